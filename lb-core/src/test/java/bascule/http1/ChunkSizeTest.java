package bascule.http1;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.netty.buffer.ByteBuf;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ChunkSizeTest {
    @ParameterizedTest
    @CsvSource({
        "0\\r\\n, 0",
        "5\\r\\n, 5",
        "1fffe\\r\\n, 131070",
        "1FfFe\\r\\n, 131070",
        "000a\\r\\n, 10",
        "7fffffffffffffff\\r\\n, 9223372036854775807",
        "00007fffffffffffffff\\r\\n, 9223372036854775807",
        "5;a=b\\r\\n, 5",
        "5;a=\"\\\\\"\"\\r\\n, 5",
        "5 ;\\ta\\r\\n, 5"
    })
    void givenSizeLine_whenRead_thenReturnsSizeAndMovesPastIt(String line, long size) {
        ByteBuf in = Wire.buffer(Wire.unescape(line) + "rest");

        assertEquals(size, ChunkSize.read(in, 256));
        assertEquals(4, in.readableBytes());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "8000000000000000\r\n",
                "10000000000000000\r\n",
                "fffffffffffffffff\r\n",
                "00010000000000000005"
            })
    void givenSizeThatWraps_whenRead_thenMalformed(String line) {
        ByteBuf in = Wire.buffer(line);

        assertEquals(ChunkSize.MALFORMED, ChunkSize.read(in, 256));
        assertEquals(0, in.readerIndex());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\r\n",
                "\n",
                "5\n",
                "g\r\n",
                " 5\r\n",
                "5 \r\n",
                "-5\r\n",
                "+5\r\n",
                "0x5\r\n",
                "5;\r\n",
                "5;a=\r\n",
                "5;a=\"\r\n",
                "5;\"a\"\r\n",
                "5;a=b;\r\n",
                "5;a=b \r\n",
                "5a b\r\n",
                "5;a\0\r\n",
                "5\r\r\n",
                "5;a=\"\u007f\"\r\n",
                "5;a=\"b\"c\r\n"
            })
    void givenLineThatIsNoSize_whenRead_thenMalformed(String line) {
        ByteBuf in = Wire.buffer(line);

        assertEquals(ChunkSize.MALFORMED, ChunkSize.read(in, 256), Wire.show(line));
        assertEquals(0, in.readerIndex());
    }

    @Test
    void givenLineAtItsLimit_whenRead_thenOneByteMoreIsMalformed() {
        assertEquals(5, ChunkSize.read(Wire.buffer("0".repeat(253) + "5\r\n"), 256));
        assertEquals(
                ChunkSize.MALFORMED, ChunkSize.read(Wire.buffer("0".repeat(254) + "5\r\n"), 256));
        assertEquals(ChunkSize.NEED_MORE, ChunkSize.read(Wire.buffer("0".repeat(255)), 256));
        assertEquals(ChunkSize.MALFORMED, ChunkSize.read(Wire.buffer("0".repeat(256)), 256));
    }

    @Test
    void givenPartOfLine_whenRead_thenNeedsMoreAndStays() {
        String line = "1fffe;ext=abc\r\n";
        for (int length = 0; length < line.length(); length++) {
            ByteBuf in = Wire.buffer(line.substring(0, length));
            assertEquals(ChunkSize.NEED_MORE, ChunkSize.read(in, 256));
            assertEquals(0, in.readerIndex());
        }
    }
}
