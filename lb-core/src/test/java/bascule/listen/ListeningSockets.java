package bascule.listen;

import io.netty.channel.ServerChannel;
import java.util.List;

/// For tests of other packages: what hides behind a listener.
public final class ListeningSockets {
    private ListeningSockets() {}

    /// Of one loop.
    public static List<ServerChannel> of(Listener listener, int loop) {
        return listener.binds.stream().map(bind -> bind.sockets.get(loop)).toList();
    }
}
