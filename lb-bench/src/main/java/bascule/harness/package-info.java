/// What drills and the acceptance of the package share: the ground that a run stands on, with hosts as namespaces and the end of
/// what a killed run has left behind; servers, commands, system calls, waiting, a client that counts what a fault costs. Depends on
/// the JDK alone, for `lb-bench/tool.sh` compiles it without a build. Called by `bascule.drill` and `bascule.acceptance`, by
/// `bascule.load` for what is missing; the client has a thread of its own, all else runs on the caller's.
@NullMarked
package bascule.harness;

import org.jspecify.annotations.NullMarked;
