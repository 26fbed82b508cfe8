// node judge.js WORDS.json: exits 0 when sigstore-js takes the bundle, 1 when it does not.
// WORDS: {bundle, trustedRoot, key?, identity?, issuer?, artifact?, tlog, ctlog, timestamps}
const { createPublicKey } = require("node:crypto");
const fs = require("node:fs");
const { bundleFromJSON } = require("@sigstore/bundle");
const { TrustedRoot } = require("@sigstore/protobuf-specs");
const { Verifier, toSignedEntity, toTrustMaterial } = require("@sigstore/verify");

const words = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
const root = TrustedRoot.fromJSON(words.trustedRoot);
const held = words.key && { publicKey: createPublicKey(words.key), validFor: () => true };
const material = toTrustMaterial(root, held ? () => held : undefined);
const verifier = new Verifier(material, {
  tlogThreshold: words.tlog,
  ctlogThreshold: words.ctlog,
  timestampThreshold: words.timestamps,
});
const artifact = words.artifact === undefined ? undefined : Buffer.from(words.artifact, "base64");
const policy = words.identity && { subjectAlternativeName: words.identity, extensions: { issuer: words.issuer } };
try {
  verifier.verify(toSignedEntity(bundleFromJSON(words.bundle), artifact), policy || undefined);
} catch (error) {
  console.error(`${error.name} ${error.code || ""}: ${error.message}`);
  process.exit(1);
}
