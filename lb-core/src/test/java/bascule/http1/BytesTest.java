package bascule.http1;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class BytesTest {
    @Test
    void givenAnyByteAtAnyPlace_whenLookedForControl_thenFirstOneIsFound() {
        byte[] bytes = new byte[64];
        for (int from = 0; from < 10; from++) {
            for (int place = from; place < from + 20; place++) {
                for (int value = 0; value < 256; value++) {
                    for (int filler : new int[] {' ', '~', 0x80, 0xff, 0x21}) {
                        Arrays.fill(bytes, (byte) filler);
                        bytes[place] = (byte) value;
                        bytes[place + 3] = 0x7f;
                        bytes[place + 5] = 0;
                        boolean control = value < 0x20 || value == 0x7f;
                        assertEquals(
                                control ? place : place + 3, Bytes.indexOfControl(bytes, from));
                    }
                }
            }
        }
    }

    @Test
    void givenAnyByte_whenLookedUp_thenIsTokenOrDigitByTheGrammar() {
        for (int b = 0; b < 256; b++) {
            String text = new String(new byte[] {(byte) b}, ISO_8859_1);
            assertEquals(text.matches("[!#$%&'*+.^_`|~0-9A-Za-z-]"), Bytes.TOKEN[b]);
            assertEquals(
                    text.matches("[0-9A-Fa-f]") ? Integer.parseInt(text, 16) : -1, Bytes.HEX[b]);
        }
    }
}
