package bascule;

/// The version of this build, as its jar says.
final class Version {
    private Version() {}

    /// `unknown` when run from a folder of classes.
    static String current() {
        String fromManifest = Version.class.getPackage().getImplementationVersion();
        return fromManifest == null ? "unknown" : fromManifest;
    }
}
