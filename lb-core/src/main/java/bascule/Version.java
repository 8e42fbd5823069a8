package bascule;

/// The version of this build: that of the package which it was installed from, else as its jar says.
final class Version {
    private static final String OF_PACKAGE = "bascule.version";

    private Version() {}

    static boolean isOfPackage() {
        return System.getProperty(OF_PACKAGE) != null;
    }

    /// `unknown` when run from a folder of classes.
    static String current() {
        String ofPackage = System.getProperty(OF_PACKAGE);
        if (ofPackage != null) return ofPackage;
        String fromManifest = Version.class.getPackage().getImplementationVersion();
        return fromManifest == null ? "unknown" : fromManifest;
    }
}
