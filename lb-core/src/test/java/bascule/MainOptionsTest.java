package bascule;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class MainOptionsTest {
    @ParameterizedTest
    @CsvSource(
            nullValues = "-",
            value = {
                "run,                    /etc/bascule/bascule.conf, -",
                "run -c a.conf,          a.conf,                    -",
                "run --node edge1,       /etc/bascule/bascule.conf, edge1",
                "run -c a.conf --node n, a.conf,                    n",
                "run --node n -c a.conf, a.conf,                    n",
            })
    void givenPlainRun_whenParsed_thenItIsReadByHand(String line, Path file, String node) {
        assertThat(MainOptions.parse(line.split(" "))).isEqualTo(new MainOptions(file, node));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "check",
                "demo -c a.conf",
                "run --help",
                "run -h",
                "run -c",
                "run -c --node",
                "run -c=a.conf",
                "run -ca.conf",
                "run --node=edge1",
                "run -c a.conf -c b.conf",
                "run --node a --node b",
                "run -x y",
                "run a.conf",
                "run -c a.conf b.conf",
            })
    void givenAllElse_whenParsed_thenItIsLeftToTheCommandLine(String line) {
        assertThat(MainOptions.parse(line.split(" "))).isNull();
    }

    @Test
    void givenNothing_whenParsed_thenItIsLeftToTheCommandLine() {
        assertThat(MainOptions.parse()).isNull();
        assertThat(MainOptions.parse("run", "-c", "")).isNull();
        assertThat(MainOptions.parse("run", "-c", "\0")).isNull();
    }
}
