// @signpdf on Node.js. Jobs as in Jobs.java; action sign, way=plain|pdflib.
import { readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { createRequire } from "node:module";

const require = createRequire(process.env.REALTOOLS_NODE + "/");
const { SignPdf } = require("@signpdf/signpdf");
const { P12Signer } = require("@signpdf/signer-p12");
const { plainAddPlaceholder } = require("@signpdf/placeholder-plain");
const { pdflibAddPlaceholder } = require("@signpdf/placeholder-pdf-lib");
const { PDFDocument } = require("pdf-lib");
const { SUBFILTER_ETSI_CADES_DETACHED } = require("@signpdf/utils");

const sign = async (job) => {
  const about = { reason: "Phat hanh", contactInfo: "don vi", name: "Nguoi ky", location: "Thanh pho", signatureLength: 8192 };
  if (job.kind === "cades") about.subFilter = SUBFILTER_ETSI_CADES_DETACHED;
  const pdf = readFileSync(job.in);
  let prepared;
  if (job.way === "pdflib") {
    // Writes the whole document anew: for the first signature only.
    const document = await PDFDocument.load(pdf);
    pdflibAddPlaceholder({ pdfDoc: document, ...about, widgetRect: job.rect ? job.rect.split(",").map(Number) : undefined });
    prepared = Buffer.from(await document.save({ useObjectStreams: Boolean(job.packed) }));
  } else {
    prepared = plainAddPlaceholder({ pdfBuffer: pdf, ...about });
  }
  const signer = new P12Signer(readFileSync(job.p12), { passphrase: "demo" });
  writeFileSync(job.out, await new SignPdf().sign(prepared, signer));
};

for await (const line of createInterface({ input: process.stdin })) {
  const job = Object.fromEntries(line.split("\t").filter((pair) => pair.includes("=")).map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]));
  try {
    await sign(job);
    console.log(`ok\t${job.out}`);
  } catch (error) {
    console.log(`failed\t${job.out}\t${String(error).replace(/\s+/g, " ")}`);
  }
}
