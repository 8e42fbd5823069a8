/// Who may be chosen now: the servers of a backend, what operators and checks say of each, and the set that follows from it.
/// Knows nothing of sockets, probes or balancing. One thread, that of the health checks, may write a status; every event
/// loop reads, without a lock.
@NullMarked
package bascule.server;

import org.jspecify.annotations.NullMarked;
