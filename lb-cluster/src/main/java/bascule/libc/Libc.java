package bascule.libc;

import static java.lang.foreign.MemoryLayout.PathElement.groupElement;
import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;

/// Functions of the C library, as method handles whose first argument is memory of [#CAPTURE] that no other thread uses meanwhile: errno has to be read
/// before the JVM makes calls of its own.
public final class Libc {
    /// Where errno(3) is left.
    public static final StructLayout CAPTURE = Linker.Option.captureStateLayout();

    private static final VarHandle ERRNO = CAPTURE.varHandle(groupElement("errno"));
    private static final long LONGEST_MEANING = 1024;

    private Libc() {}

    /// @param result what it returns
    public static MethodHandle function(
            String name, MemoryLayout result, MemoryLayout... arguments) {
        return linked(name, FunctionDescriptor.of(result, arguments));
    }

    /// @param fixed how many arguments come before those that are variadic; they are passed another way on some CPUs
    public static MethodHandle variadic(
            String name, int fixed, MemoryLayout result, MemoryLayout... arguments) {
        return linked(
                name,
                FunctionDescriptor.of(result, arguments),
                Linker.Option.firstVariadicArg(fixed));
    }

    @SuppressWarnings("restricted") // That is what this class is for.
    private static MethodHandle linked(
            String name, FunctionDescriptor shape, Linker.Option... more) {
        Linker linker = Linker.nativeLinker();
        List<Linker.Option> options = new ArrayList<>(List.of(more));
        options.add(Linker.Option.captureCallState("errno"));
        return linker.downcallHandle(
                linker.defaultLookup().findOrThrow(name),
                shape,
                options.toArray(Linker.Option[]::new));
    }

    /// @return what a call returned; `-errno` if that was negative
    public static int result(MemorySegment errno, long returned) {
        return returned >= 0 ? (int) returned : -(int) ERRNO.get(errno, 0L);
    }

    /// What an error is called, as `Bad file descriptor (errno 9)` (strerror(3)).
    ///
    /// @param errno positive
    @SuppressWarnings("restricted") // The length of a C string is not known before.
    public static String meaning(int errno) {
        try (Arena arena = Arena.ofConfined()) {
            // Linked when there is an error to be told, which is hardly ever.
            MethodHandle strerror = function("strerror", ADDRESS, JAVA_INT);
            MemorySegment captured = arena.allocate(CAPTURE);
            var text = (MemorySegment) strerror.invokeExact(captured, errno);
            return text.reinterpret(LONGEST_MEANING).getString(0) + " (errno " + errno + ")";
        } catch (Throwable impossible) {
            throw new AssertionError(impossible);
        }
    }
}
