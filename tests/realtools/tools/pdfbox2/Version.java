import java.io.File;
import java.io.IOException;
import org.apache.pdfbox.pdmodel.PDDocument;
import org.apache.pdfbox.pdmodel.font.PDType1Font;

/** What differs between PDFBox 2 and 3. */
final class Version {
    static PDDocument open(File file) throws IOException {
        return PDDocument.load(file);
    }

    static PDType1Font font() {
        return PDType1Font.HELVETICA;
    }
}
