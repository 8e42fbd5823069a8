package bascule.libc;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import org.junit.jupiter.api.Test;

final class LibcTest {
    @Test
    void givenDescriptorThatIsNone_whenClosed_thenErrnoIsReturnedAndNamed() {
        try (Arena arena = Arena.ofConfined()) {
            int result = Sockets.close(arena.allocate(Libc.CAPTURE), -1);

            assertThat(result).isEqualTo(-Errno.EBADF);
            assertThat(Libc.meaning(-result)).isEqualTo("Bad file descriptor (errno 9)");
        }
    }

    @Test
    void givenErrorNobodyKnows_whenNamed_thenItsNumberIsThere() {
        assertThat(Libc.meaning(4095)).endsWith("(errno 4095)");
    }
}
