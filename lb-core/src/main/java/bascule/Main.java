package bascule;

/// Where the program starts.
public final class Main {
    private Main() {}

    public static void main(String[] arguments) {
        if (arguments.length == 1 && arguments[0].equals("version")) {
            System.out.println("bascule " + version());
            return;
        }
        System.err.println("usage: bascule version");
        System.exit(2);
    }

    private static String version() {
        String fromManifest = Main.class.getPackage().getImplementationVersion();
        return fromManifest == null ? "unknown" : fromManifest;
    }
}
