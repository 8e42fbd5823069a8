/// Drills: two systems, Bascule and keepalived with HAProxy, on the same bench of network namespaces; faults, a client
/// that counts what it costs, and an observer of who has the address. Knows how to start both, how to break hosts,
/// links and processes, and how to read what came of it; knows nothing of Bascule's code and depends on the JDK alone,
/// so that it can judge any build of it. Started by `lb-cluster/drills`; one thread leads.
@NullMarked
package bascule.drill;

import org.jspecify.annotations.NullMarked;
