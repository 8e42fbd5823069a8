package bascule;

import java.io.Serial;

/// The daemon could not start. The message is for people: what, where, and what was expected.
public final class StartFailure extends Exception {
    @Serial private static final long serialVersionUID = 1;

    private final int exitCode;

    StartFailure(int exitCode, String message, Throwable cause) {
        super(message, cause);
        this.exitCode = exitCode;
    }

    StartFailure(int exitCode, String message) {
        super(message);
        this.exitCode = exitCode;
    }

    /// 1: something outside refused, such as an address in use; 78: the configuration asks for what this host cannot give.
    public int exitCode() {
        return exitCode;
    }
}
