/// Bascule side by side with other proxies, on one machine: same origins, same load, same CPU, in turn. Knows how to
/// start each proxy, how to load it, and how to read from `/proc`, `strace` and the JVM what that cost; knows nothing
/// of Bascule's code and depends on the JDK alone, so that it can judge any build of it. Started by
/// `lb-bench/load/run`; one thread, but for the scrapes of [Allocation] and the end on Ctrl-C.
@NullMarked
package bascule.load;

import org.jspecify.annotations.NullMarked;
