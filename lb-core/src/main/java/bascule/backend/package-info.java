/// A usable connection to a chosen server: which servers a backend has, who waits in line for a place at one, how often may be tried
/// again, one pool of idle connections per server and loop, and how a new connection is made. Knows no request. Called by
/// `bascule.proxy`; a pool is confined to its loop, a [Backend] is shared by all, and changed by the thread `control`.
@NullMarked
package bascule.backend;

import org.jspecify.annotations.NullMarked;
