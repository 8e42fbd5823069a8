package bascule.cluster.group;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

final class PreambleTest {
    private static final Preamble SAID = new Preamble(1, (short) 0x2947, "bascule", "edge1");

    @Test
    void givenPreamble_whenReadBack_thenTheSameAndNotAByteMore() throws Exception {
        byte[] bytes = Arrays.copyOf(SAID.bytes(), SAID.bytes().length + 3);
        var in = new ByteArrayInputStream(bytes);

        assertThat(Preamble.read(in)).isEqualTo(SAID);
        assertThat(in.available()).isEqualTo(3);
    }

    @Test
    void givenLongestNames_whenReadBack_thenTheSame() throws Exception {
        var longest = new Preamble(255, (short) -1, "c".repeat(255), "n".repeat(255));
        assertThat(Preamble.read(new ByteArrayInputStream(longest.bytes()))).isEqualTo(longest);
    }

    @Test
    void givenPreamble_whenCutAnywhere_thenEnd() {
        byte[] bytes = SAID.bytes();
        for (int length = 0; length < bytes.length; length++) {
            var in = new ByteArrayInputStream(bytes, 0, length);
            assertThatThrownBy(() -> Preamble.read(in)).isInstanceOf(EOFException.class);
        }
    }

    @Test
    void givenNames_whenReadBackOrCutAnywhere_thenTheSameOrEnd() throws Exception {
        List<String> names = List.of("edge1", "n".repeat(255), "é");
        byte[] bytes = Preamble.names(names);

        assertThat(Preamble.readNames(new ByteArrayInputStream(bytes))).isEqualTo(names);
        for (int length = 0; length < bytes.length; length++) {
            var in = new ByteArrayInputStream(bytes, 0, length);
            assertThatThrownBy(() -> Preamble.readNames(in)).isInstanceOf(EOFException.class);
        }
    }

    @Test
    void givenSomethingElse_whenRead_thenNoPreamble() {
        var in = new ByteArrayInputStream("GET / HTTP/1.1\r\n".getBytes(US_ASCII));
        assertThatThrownBy(() -> Preamble.read(in)).isInstanceOf(Preamble.NoPreamble.class);
    }
}
