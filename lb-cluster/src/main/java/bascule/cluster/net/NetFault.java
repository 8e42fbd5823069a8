package bascule.cluster.net;

import bascule.libc.Errno;
import bascule.libc.Libc;
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
            case Errno.EPERM -> "operation not permitted (EPERM)";
            case Errno.ENXIO, Errno.ENODEV -> "no such interface (errno " + errno + ")";
            case Errno.EAGAIN -> "the kernel did not answer in time (EAGAIN)";
            case Errno.EACCES -> "permission denied (EACCES)";
            case Errno.EINVAL -> "invalid argument (EINVAL)";
            case Errno.EADDRNOTAVAIL -> "the address is not there (EADDRNOTAVAIL)";
            case Errno.ENETDOWN -> "the interface is down (ENETDOWN)";
            case Errno.ENOBUFS -> "no buffer space (ENOBUFS)";
            default -> Libc.meaning(errno);
        };
    }

    /// Was it about an address that is not there (any more)?
    public boolean isNotThere() {
        return errno == Errno.EADDRNOTAVAIL;
    }
}
