import java.io.File;
import java.io.IOException;
import org.apache.pdfbox.pdmodel.PDDocument;
import org.apache.pdfbox.pdmodel.font.PDType1Font;

/** What differs between PDFBox 2 and 3. */
final class Version {
    static PDDocument open(File file) throws IOException {
        return org.apache.pdfbox.Loader.loadPDF(file);
    }

    static PDType1Font font() {
        return new PDType1Font(org.apache.pdfbox.pdmodel.font.Standard14Fonts.FontName.HELVETICA);
    }
}
