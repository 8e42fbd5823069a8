package bascule.tls;

/// A version of TLS, older ones first.
public enum TlsVersion {
    TLS_1_2("TLSv1.2"),
    TLS_1_3("TLSv1.3");

    private final String text;

    TlsVersion(String text) {
        this.text = text;
    }

    /// As engines call it.
    public String text() {
        return text;
    }
}
