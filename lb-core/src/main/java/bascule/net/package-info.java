/// Netty, chosen and tamed: which transport, who owns which loop, deadlines without a timer per request, receive buffers with
/// room for a longer head, names and their addresses, and the one shape that trouble has. Knows no protocol but DNS. Called by every
/// package above; all but [bascule.net.Transport] and [bascule.net.HostNames] is confined to one event loop.
@NullMarked
package bascule.net;

import org.jspecify.annotations.NullMarked;
