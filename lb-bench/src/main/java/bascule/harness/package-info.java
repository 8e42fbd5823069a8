/// What drills and the acceptance of the package share: hosts as namespaces, commands, system calls, a client that counts what a
/// fault costs, and the end of what a killed run has left behind. Depends on the JDK alone, for it is compiled by
/// `lb-cluster/drills` and `packaging/acceptance` without a build. Called by `bascule.drill` and `bascule.acceptance`; the
/// client has a thread of its own, all else runs on the caller's.
@NullMarked
package bascule.harness;

import org.jspecify.annotations.NullMarked;
