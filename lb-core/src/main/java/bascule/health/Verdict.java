package bascule.health;

/// What the checks say of a server.
///
/// @param seen has a check ended yet?
/// @param against how many results in a row have spoken against `up`
record Verdict(boolean seen, boolean up, int against) {
    /// A check is configured, and none has ended: down until the first pass.
    static final Verdict UNSEEN = new Verdict(false, false, 0);

    /// No check is configured: counts as up, and if a reload adds one, stays up until enough results speak against it.
    static final Verdict TRUSTED = new Verdict(true, true, 0);

    /// The first result decides alone; after it only so many in a row.
    Verdict after(boolean passed, int rise, int fall) {
        if (!seen) return new Verdict(true, passed, 0);
        if (passed == up) return anew();
        boolean flips = against + 1 >= (up ? fall : rise);
        return flips ? new Verdict(true, passed, 0) : new Verdict(true, up, against + 1);
    }

    /// The same, with the count begun again.
    Verdict anew() {
        return against == 0 ? this : new Verdict(seen, up, 0);
    }
}
