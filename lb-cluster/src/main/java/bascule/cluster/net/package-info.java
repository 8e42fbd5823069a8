/// The host's addresses: netlink requests and announcements by ARP and neighbour discovery, through the foreign function API.
/// Knows how to put an address on an interface, take it away and tell the neighbours; never decides whether. Called by
/// `bascule.cluster`, on its thread `ownership`, and for long lists on `host-look`; every call blocks until the kernel has answered. Listeners are told
/// on threads of this package.
@NullMarked
package bascule.cluster.net;

import org.jspecify.annotations.NullMarked;
