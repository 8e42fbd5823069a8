package bascule.cluster.net;

import java.io.IOException;

/// The kernel said no.
public final class NetFault extends IOException {
    private static final long serialVersionUID = 1;

    private final int errno;

    /// @param what was tried
    /// @param errno of errno(3), positive
    public NetFault(String what, int errno) {
        super(what + ": " + meaning(errno));
        this.errno = errno;
    }

    public int errno() {
        return errno;
    }

    private static String meaning(int errno) {
        return switch (errno) {
            case Sys.EPERM -> "operation not permitted (EPERM)";
            case Sys.ENXIO, Sys.ENODEV -> "no such interface (errno " + errno + ")";
            case Sys.EAGAIN -> "the kernel did not answer in time (EAGAIN)";
            case Sys.EACCES -> "permission denied (EACCES)";
            case Sys.EINVAL -> "invalid argument (EINVAL)";
            case Sys.EADDRNOTAVAIL -> "the address is not there (EADDRNOTAVAIL)";
            case Sys.ENETDOWN -> "the interface is down (ENETDOWN)";
            case Sys.ENOBUFS -> "no buffer space (ENOBUFS)";
            default -> "errno " + errno;
        };
    }

    /// Was it about an address that is not there (any more)?
    public boolean isNotThere() {
        return errno == Sys.EADDRNOTAVAIL;
    }
}
