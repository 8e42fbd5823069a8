package bascule.tls;

import io.netty.handler.ssl.OpenSsl;
import io.netty.internal.tcnative.SSL;

/// Who does the cryptography.
public enum TlsLibrary {
    /// BoringSSL through netty-tcnative: what is meant to be used.
    BORINGSSL,
    /// The JDK's own engine, where the native library does not load. Slower; without X25519MLKEM768; its tickets cannot be shared, so
    /// nothing resumes after a restart or a reload.
    JDK;

    /// The system property that picks the JDK's engine by hand, for tests: `jdk`.
    private static final String PROPERTY = "bascule.tls";

    private static final boolean FORCED_JDK = "jdk".equals(System.getProperty(PROPERTY));
    private static final TlsLibrary IN_USE = !FORCED_JDK && OpenSsl.isAvailable() ? BORINGSSL : JDK;

    static {
        // The JDK would let a client of TLS 1.2 renegotiate as often as it likes. It reads this
        // when its first engine is made.
        String renegotiation = "jdk.tls.rejectClientInitiatedRenegotiation";
        if (System.getProperty(renegotiation) == null) System.setProperty(renegotiation, "true");
    }

    /// The library of this process; never changes.
    public static TlsLibrary inUse() {
        return IN_USE;
    }

    /// For people: `BoringSSL (netty-tcnative 2.0.84)`, or `JDK 25.0.1, because …`.
    public static String describe() {
        return switch (IN_USE) {
            case BORINGSSL -> {
                String version = SSL.class.getPackage().getImplementationVersion();
                String release = version == null ? "unknown" : version.replace(".Final", "");
                yield OpenSsl.versionString() + " (netty-tcnative " + release + ")";
            }
            case JDK -> "JDK " + Runtime.version().feature() + ", because " + reason();
        };
    }

    private static String reason() {
        if (FORCED_JDK) return "of -D" + PROPERTY + "=jdk";
        Throwable cause = OpenSsl.unavailabilityCause();
        while (cause != null && cause.getCause() != null) cause = cause.getCause();
        return "the native library does not load"
                + (cause == null || cause.getMessage() == null
                        ? ""
                        : ": " + firstLine(cause.getMessage()));
    }

    private static String firstLine(String text) {
        int end = text.indexOf('\n');
        return end < 0 ? text : text.substring(0, end);
    }
}
