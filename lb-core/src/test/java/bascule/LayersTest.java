package bascule;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class LayersTest {
    @TempDir Path folder = Path.of("");

    @Test
    void givenOurClasses_whenRead_thenNoneRefersUpALayer() throws Exception {
        Path modules =
                Path.of(
                                LayersTest.class
                                        .getProtectionDomain()
                                        .getCodeSource()
                                        .getLocation()
                                        .toURI())
                        .resolve("../../..");
        var layers =
                new Layers(
                        List.of(
                                modules.resolve("lb-tls/target/classes"),
                                modules.resolve("lb-cluster/target/classes"),
                                modules.resolve("lb-core/target/classes")));

        assertThat(layers.packages()).contains("tls", "cluster", "http1"); // It did look.
        assertThat(layers.violations()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
            http1   | proxy  | static Object f() { return new bascule.proxy.Used(); }
            http1   | proxy  | java.util.List<bascule.proxy.Used> onlyInASignature;
            http1   | proxy  | static void f(Object o) { if (o instanceof bascule.proxy.Used[][]) throw new Error(); }
            http1   | proxy  | @bascule.proxy.Used.Mark void onlyAnAnnotation() {}
            http    | server | bascule.server.Used sameLayer;
            proxy   | relay  | bascule.relay.Used sameLayer;
            config  | listen | bascule.listen.Used fromTheBottom;
            tls     | net    | bascule.net.Used fromALeaf;
            cluster | tls    | bascule.tls.Used fromLeafToLeaf;
            libc    | cluster | bascule.cluster.Used fromTheBottom;
            libc    | config  | bascule.config.Used fromTheBottom;
            health  | cluster | bascule.cluster.Used notItsBusiness;
            """)
    void givenReferenceUpALayer_whenRead_thenBothFilesAreNamed(String from, String to, String body)
            throws Exception {
        var layers = compile(used(to), user(from, body));

        assertThat(layers.violations())
                .containsExactly("bascule/" + from + "/User.java -> bascule/" + to + "/Used.java");
    }

    @ParameterizedTest
    @CsvSource({
        "proxy,http1",
        "admin,config",
        "listen,tls",
        "node,cluster",
        "cluster,libc",
        "systemd,libc",
        "http1,http1"
    })
    void givenReferenceDown_whenRead_thenItPasses(String from, String to) throws Exception {
        var layers = compile(used(to), user(from, "bascule." + to + ".Used used;"));

        assertThat(layers.violations()).isEmpty();
    }

    @Test
    void givenRootPackage_whenUsedFromBelow_thenItIsNamed() throws Exception {
        var layers =
                compile(
                        new Source("bascule.Used", "package bascule; public class Used {}"),
                        user("admin", "bascule.Used used;"));

        assertThat(layers.violations())
                .containsExactly("bascule/admin/User.java -> bascule/Used.java");
    }

    @Test
    void givenConfigurationLibrary_whenUsedOutsideOfConfig_thenItIsNamed() throws Exception {
        var layers =
                compile(
                        user("config", "com.typesafe.config.Config mine;"),
                        user("admin", "com.typesafe.config.Config notMine;"));

        assertThat(layers.violations())
                .containsExactly("bascule/admin/User.java -> com/typesafe/config/Config");
    }

    @Test
    void givenPackageWithoutLayer_whenRead_thenItIsNamed() throws Exception {
        var layers = compile(user("helpers", ""));

        assertThat(layers.violations())
                .containsExactly("bascule/helpers/User.java: this package has no layer");
    }

    private static Source used(String name) {
        String text =
                "package bascule." + name + "; public class Used { public @interface Mark {} }";
        return new Source("bascule." + name + ".Used", text);
    }

    private static Source user(String name, String body) {
        return new Source(
                "bascule." + name + ".User",
                "package bascule." + name + "; class User { " + body + " }");
    }

    private Layers compile(Source... sources) throws Exception {
        var compiler = ToolProvider.getSystemJavaCompiler();
        var options =
                List.of(
                        "-proc:none",
                        "-d",
                        folder.toString(),
                        "-cp",
                        System.getProperty("java.class.path"));
        var messages = new ArrayList<String>();
        boolean compiled =
                compiler.getTask(
                                null,
                                null,
                                m -> messages.add(m.toString()),
                                options,
                                null,
                                Set.of(sources))
                        .call();
        assertThat(compiled).as("%s", messages).isTrue();
        return new Layers(List.of(folder));
    }

    private static final class Source extends SimpleJavaFileObject {
        private final String text;

        Source(String className, String text) {
            super(
                    URI.create("memory:///" + className.replace('.', '/') + ".java"),
                    JavaFileObject.Kind.SOURCE);
            this.text = text;
        }

        @Override
        public CharSequence getCharContent(boolean ignoreEncodingErrors) {
            return text;
        }
    }
}
