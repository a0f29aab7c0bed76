// The release process: it runs once for each deploy, before any container of the new release starts.

const { readFileSync } = require('node:fs');

console.log(`migrating to release ${readFileSync('release.txt', 'utf8').trim()}`);
