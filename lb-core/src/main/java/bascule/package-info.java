/// The program: its start, its commands and the daemon. The top layer: it sees every other package and wires them with plain
/// `new`; none of them sees it. Runs on the main thread.
@NullMarked
package bascule;

import org.jspecify.annotations.NullMarked;
