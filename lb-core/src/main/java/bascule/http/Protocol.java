package bascule.http;

/// The versions of HTTP that a client may speak.
public enum Protocol {
    HTTP_1_0(10),
    HTTP_1_1(11),
    HTTP_2(20);

    private final int code;

    Protocol(int code) {
        this.code = code;
    }

    /// Ten times the version, for layers that do not know this one.
    public int code() {
        return code;
    }
}
