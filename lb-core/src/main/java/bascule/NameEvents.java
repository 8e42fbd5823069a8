package bascule;

import bascule.net.NameEvent;
import bascule.observe.Events;
import io.netty.util.NetUtil;
import java.net.InetAddress;
import java.util.List;

/// What operators hear of names of servers.
final class NameEvents {
    private NameEvents() {}

    static void tell(NameEvent event) {
        String host = event.host();
        switch (event) {
            case NameEvent.Changed(_, List<InetAddress> addresses) ->
                    Events.changed(
                            "name-changed",
                            "host",
                            host,
                            "addresses",
                            addresses.stream().map(NetUtil::toAddressString).toList());
            case NameEvent.NotResolved(_, String cause, int kept) ->
                    Events.worsened(
                            "name-not-resolved", "host", host, "cause", cause, "kept", kept);
            case NameEvent.Resolved(_) -> Events.changed("name-resolved", "host", host);
            case NameEvent.TooMany(_, int addresses) ->
                    Events.warn("name-has-too-many", "host", host, "addresses", addresses);
        }
    }
}
