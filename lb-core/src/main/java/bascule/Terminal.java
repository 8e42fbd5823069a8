package bascule;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import bascule.libc.Libc;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Standard output, if it is a terminal.
///
/// @param columns its width, 1 or more
/// @param rows its height, 1 or more
record Terminal(int columns, int rows) {
    private static final int STDOUT = 1;
    private static final long TIOCGWINSZ = 0x5413; // ioctl_tty(2); the same on x86-64 and AArch64.
    private static final int WINSIZE_SHORTS = 4; // Rows, columns, and what nobody uses.
    private static final int COLUMNS_UNKNOWN = 80;
    private static final int ROWS_UNKNOWN = 24;

    /// The size is asked for anew each time: windows change theirs.
    ///
    /// @return null if standard output is something else, or cannot be asked
    static @Nullable Terminal ofOutput() {
        try (Arena arena = Arena.ofConfined()) {
            MethodHandle ioctl = Libc.variadic("ioctl", 2, JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS);
            MemorySegment errno = arena.allocate(Libc.CAPTURE);
            MemorySegment size = arena.allocate(JAVA_SHORT, WINSIZE_SHORTS);
            if ((int) ioctl.invokeExact(errno, STDOUT, TIOCGWINSZ, size) != 0) return null;
            return of(
                    Short.toUnsignedInt(size.getAtIndex(JAVA_SHORT, 1)),
                    Short.toUnsignedInt(size.getAtIndex(JAVA_SHORT, 0)));
        } catch (Throwable _) { // A method handle may throw anything, and text is text without it.
            return null;
        }
    }

    /// Some terminals, as a serial line, do not know their size and say 0.
    static Terminal of(int columns, int rows) {
        return new Terminal(
                columns == 0 ? COLUMNS_UNKNOWN : columns, rows == 0 ? ROWS_UNKNOWN : rows);
    }

    /// Does the user of a terminal want colours (https://no-color.org)?
    static boolean wantsColour(Map<String, String> environment) {
        return environment.getOrDefault("NO_COLOR", "").isEmpty()
                && !environment.getOrDefault("TERM", "dumb").equals("dumb");
    }
}
