/// The program: its start, its commands and the daemon. The top layer: it sees every other package and wires them with plain
/// `new`; none of them sees it. Two programs in one: the daemon ([Daemon] makes it and ends it, [Activation] changes it, on the thread
/// [Control]; what commands it is in [Operations]), and the command line that talks to one over its admin socket and knows nothing
/// else of it ([ClientVerbs], on the main thread).
@NullMarked
package bascule;

import org.jspecify.annotations.NullMarked;
