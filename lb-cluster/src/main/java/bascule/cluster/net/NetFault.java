package bascule.cluster.net;

import java.io.IOException;

/// The kernel said no.
public final class NetFault extends IOException {
    private static final long serialVersionUID = 1;

    private final int errno;

    /// @param what was tried
    /// @param errno of errno(3), positive
    public NetFault(String what, int errno) {
        super(what + ": errno " + errno);
        this.errno = errno;
    }

    public int errno() {
        return errno;
    }
}
