package bascule.proxy;

import static java.nio.charset.StandardCharsets.US_ASCII;

import bascule.config.PageFile;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// A page of the operator's that stands in for our own short text. The arrays are shared by all loops and never written.
record OwnPage(byte[] body, byte[] contentType) {
    private static final int FIRST = 400;
    private static final int LAST = 599;

    static @Nullable OwnPage of(@Nullable PageFile file) {
        return file == null
                ? null
                : new OwnPage(file.content().copy(), file.contentType().getBytes(US_ASCII));
    }

    /// Those of a listener, by status.
    static final class ByStatus {
        private final @Nullable OwnPage[] pages = new OwnPage[LAST + 1 - FIRST];

        /// @param files by status, 400 to 599
        ByStatus(Map<Integer, PageFile> files) {
            files.forEach((status, file) -> pages[status - FIRST] = of(file));
        }

        /// Null where there is none.
        @Nullable OwnPage find(int status) {
            return status < FIRST || status > LAST ? null : pages[status - FIRST];
        }
    }
}
