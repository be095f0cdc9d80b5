// Refuses to go on with a Node that the dependencies do not run on, before it fails in a way nobody understands.
const [major = 0, minor = 0, patch = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && (minor < 22 || (minor === 22 && patch < 2)))) {
  console.error(`kube-rescue needs Node 22.22.2 or newer, this is ${process.versions.node}.`);
  console.error('`npm ci` brings Node 24 along; start scripts with `npm run`, which finds it.');
  process.exit(1);
}
