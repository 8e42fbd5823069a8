package bascule.acceptance;

/// A Debian to install on.
///
/// @param number   as people call it
/// @param codename as its archive calls it
/// @param systemd  the version of it there
record Release(int number, String codename, int systemd) {
    static final Release DEBIAN_12 = new Release(12, "bookworm", 252);
    static final Release DEBIAN_13 = new Release(13, "trixie", 257);

    /// From 256 on systemd refuses to boot on the old hierarchies of control groups.
    boolean needsUnifiedHierarchy() {
        return systemd >= 256;
    }

    @Override
    public String toString() {
        return "Debian " + number;
    }
}
