package bascule;

import bascule.observe.Events;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandleProxies;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.InvocationTargetException;
import java.util.Set;

/// What the process does when it is sent a signal. By the JDK's own dispatcher, `sun.misc.Signal` of the module jdk.unsupported:
/// a handler in C that called Java would run where hardly any Java may run. Called by reflection, since javac warns of that
/// class and nothing turns this warning off.
final class Signals {
    /// Those that HotSpot leaves to us. It refuses to give away SEGV, ILL, FPE and QUIT; it would give away BUS, PIPE, XFSZ and
    /// USR2 and then miss them; INT and TERM run the shutdown hooks.
    private static final Set<String> FREE = Set.of("HUP", "USR1");

    private Signals() {}

    /// From now on the action runs at each of these signals, on a thread of its own; several may run at once. If the process was
    /// started with SIGHUP ignored, as by nohup(1), it stays so.
    ///
    /// Under `-Xrs` the JVM hears no signals: that HUP is not to be had is told, and the process goes on without.
    ///
    /// @param name `HUP` or `USR1`
    static void on(String name, Runnable action) {
        if (!FREE.contains(name))
            throw new IllegalArgumentException(name + " (expected: HUP, USR1)");
        try {
            handle(name, () -> run(name, action));
        } catch (InvocationTargetException refused) {
            Events.warn(
                    "signal-not-handled", "signal", name, "cause", refused.getTargetException());
        } catch (ReflectiveOperationException missing) { // A run-time image without the module.
            Events.warn("signal-not-handled", "signal", name, "cause", missing);
        }
    }

    private static void handle(String name, Runnable action) throws ReflectiveOperationException {
        Class<?> signal = Class.forName("sun.misc.Signal");
        Class<?> handler = Class.forName("sun.misc.SignalHandler");
        MethodHandle run =
                MethodHandles.lookup()
                        .findVirtual(Runnable.class, "run", MethodType.methodType(void.class))
                        .bindTo(action);
        Object adapted =
                MethodHandleProxies.asInterfaceInstance(
                        handler, MethodHandles.dropArguments(run, 0, signal));
        signal.getMethod("handle", signal, handler)
                .invoke(null, signal.getConstructor(String.class).newInstance(name), adapted);
    }

    private static void run(String name, Runnable action) {
        try {
            action.run();
        } catch (RuntimeException | Error failure) {
            Events.bug("signal-failed", failure, "signal", name);
        }
    }
}
