/// The C library through the foreign function API: how a function of it is called so that errno is not lost, what errno means, and the calls on sockets that
/// more than one package makes; a call that one package alone makes is in that package. Knows nothing of what it is called for. From any thread.
@NullMarked
package bascule.libc;

import org.jspecify.annotations.NullMarked;
