package bascule.packaging;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeElement;
import java.lang.classfile.CodeTransform;
import java.lang.classfile.instruction.LocalVariable;
import java.lang.classfile.instruction.LocalVariableType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import java.util.zip.ZipOutputStream;

/// Takes the names of local variables out of the classes of jars (JVMS §4.7.13, §4.7.14): a debugger alone reads them, and they are
/// a tenth of what lies on the disk. Lines stay, for what a stack trace tells. Entries keep their names, order and times, so that the
/// same jar becomes the same bytes.
final class Slim {
    private static final String CLASS = ".class";
    private static final CodeTransform WITHOUT_NAMES =
            (code, element) -> {
                if (!isName(element)) code.with(element);
            };
    private static final ClassTransform SLIM =
            ClassTransform.transformingMethodBodies(WITHOUT_NAMES);

    private Slim() {}

    public static void main(String[] jars) throws IOException {
        if (jars.length == 0) {
            System.err.println("usage: Slim JAR...");
            System.exit(2);
        }
        for (String jar : jars) slim(Path.of(jar));
    }

    private static void slim(Path jar) throws IOException {
        Path made = jar.resolveSibling(jar.getFileName() + ".slim");
        try (var from = new ZipInputStream(new BufferedInputStream(Files.newInputStream(jar)));
                var to =
                        new ZipOutputStream(
                                new BufferedOutputStream(Files.newOutputStream(made)))) {
            for (ZipEntry entry; (entry = from.getNextEntry()) != null; ) {
                String name = entry.getName();
                if (name.startsWith("META-INF/") && name.endsWith(".SF"))
                    throw new IOException(
                            jar + ": is signed (expected: a jar whose classes may be changed)");
                byte[] bytes = from.readAllBytes();
                var copy = new ZipEntry(name);
                copy.setTimeLocal(entry.getTimeLocal());
                to.putNextEntry(copy);
                to.write(name.endsWith(CLASS) ? slim(bytes) : bytes);
            }
        }
        Files.move(made, jar, StandardCopyOption.REPLACE_EXISTING);
    }

    /// The pool of constants stays as it is: so does the code that refers to it, to the byte, and its verification.
    private static byte[] slim(byte[] bytes) {
        ClassFile files = ClassFile.of();
        ClassModel model = files.parse(bytes);
        return files.transformClass(model, SLIM);
    }

    private static boolean isName(CodeElement element) {
        return element instanceof LocalVariable || element instanceof LocalVariableType;
    }
}
