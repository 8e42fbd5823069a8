package bascule.packaging;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.Attributes;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.attribute.CodeAttribute;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.List;
import java.util.jar.JarFile;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SlimTest {
    private static final LocalDateTime TIME = LocalDateTime.of(2026, 1, 2, 3, 4, 6);
    private static final String SAMPLE = "bascule/packaging/SlimTest$Sample.class";

    /// What a jar holds: code with names of variables, of a generic type too.
    public static final class Sample {
        public static int sum(List<Integer> numbers) {
            int sum = 0;
            for (Integer each : numbers) sum += each;
            return sum;
        }
    }

    @TempDir Path folder;
    private Path jar;

    @BeforeEach
    void setUp() {
        jar = folder.resolve("sample.jar");
    }

    @Test
    void givenJar_whenSlim_thenNamesOfVariablesAreGoneAndLinesStay() throws Exception {
        jar("text", SAMPLE);
        assertThat(hasNames(sample())).as("compiled with them").isTrue();

        Slim.main(new String[] {jar.toString()});

        assertThat(hasNames(sample())).isFalse();
        for (CodeAttribute code : codes(sample()))
            assertThat(code.findAttribute(Attributes.lineNumberTable())).isPresent();
    }

    @Test
    void givenSlimJar_whenItsClassIsUsed_thenItIsVerifiedAndDoesWhatItDid() throws Exception {
        jar(SAMPLE);

        Slim.main(new String[] {jar.toString()});

        try (var loader = new URLClassLoader(new URL[] {jar.toUri().toURL()}, null)) {
            Class<?> sample = loader.loadClass(Sample.class.getName());
            assertThat(sample.getMethod("sum", List.class).invoke(null, List.of(1, 2, 3)))
                    .isEqualTo(6);
        }
    }

    @Test
    void givenJar_whenSlim_thenEntriesKeepOrderTimesAndOtherContent() throws Exception {
        jar("text", SAMPLE, "last");

        Slim.main(new String[] {jar.toString()});

        try (var made = new JarFile(jar.toFile())) {
            List<ZipEntry> entries = made.stream().map(ZipEntry.class::cast).toList();
            assertThat(entries)
                    .extracting(ZipEntry::getName)
                    .containsExactly("text", SAMPLE, "last");
            assertThat(entries).extracting(ZipEntry::getTimeLocal).containsOnly(TIME);
            try (InputStream text = made.getInputStream(entries.getFirst())) {
                assertThat(text.readAllBytes()).asString().isEqualTo("text");
            }
        }
        assertThat(folder).isDirectoryNotContaining(each -> !each.equals(jar));
    }

    @Test
    void givenTheSameJarTwice_whenSlim_thenTheSameBytes() throws Exception {
        jar("text", SAMPLE);
        Path second = Files.copy(jar, folder.resolve("second.jar"));

        Slim.main(new String[] {jar.toString(), second.toString()});

        assertThat(Files.mismatch(jar, second)).isEqualTo(-1);
    }

    @Test
    void givenSignedJar_whenSlim_thenRefusedAndLeftAsItIs() throws Exception {
        jar("META-INF/NAME.SF", SAMPLE);
        byte[] before = Files.readAllBytes(jar);

        assertThatThrownBy(() -> Slim.main(new String[] {jar.toString()}))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("is signed");

        assertThat(Files.readAllBytes(jar)).isEqualTo(before);
    }

    private void jar(String... entries) throws IOException {
        try (var made = new ZipOutputStream(Files.newOutputStream(jar))) {
            for (String each : entries) {
                var entry = new ZipEntry(each);
                entry.setTimeLocal(TIME);
                made.putNextEntry(entry);
                made.write(each.equals(SAMPLE) ? compiled() : each.getBytes(UTF_8));
            }
        }
    }

    private static byte[] compiled() throws IOException {
        try (InputStream from = SlimTest.class.getClassLoader().getResourceAsStream(SAMPLE)) {
            return from.readAllBytes();
        }
    }

    private ClassModel sample() throws IOException {
        try (var made = new JarFile(jar.toFile());
                InputStream from = made.getInputStream(made.getEntry(SAMPLE))) {
            return ClassFile.of().parse(from.readAllBytes());
        }
    }

    private static boolean hasNames(ClassModel model) {
        return codes(model).stream()
                .anyMatch(
                        code ->
                                code.findAttribute(Attributes.localVariableTable()).isPresent()
                                        || code.findAttribute(Attributes.localVariableTypeTable())
                                                .isPresent());
    }

    private static List<CodeAttribute> codes(ClassModel model) {
        return model.methods().stream()
                .flatMap(each -> each.findAttribute(Attributes.code()).stream())
                .toList();
    }
}
