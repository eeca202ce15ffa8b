// The backend of make test-backstage: Backstage's own catalog with its Templates, and nothing else. app-config.yaml
// configures it. Start it in this directory: Backstage looks for a package.json in the current one.
//
//   NODE_PATH=…/node_modules node backend.js --config app-config.yaml
'use strict';

const { createBackend } = require('@backstage/backend-defaults');

const backend = createBackend();
backend.add(require('@backstage/plugin-catalog-backend'));
backend.add(require('@backstage/plugin-catalog-backend-module-scaffolder-entity-model'));
backend.start().catch(error => {
  console.error(error);
  process.exit(1);
});
