// Calls every method of the Tech Insights client of Backstage on the server at the address given as the first argument,
// and prints the results as one JSON object.
const { TechInsightsClient } = require('@backstage-community/plugin-tech-insights-common/client');

const client = new TechInsightsClient({
  discoveryApi: { getBaseUrl: async plugin => `${process.argv[2]}/api/${plugin}` },
  identityApi: { getCredentials: async () => ({ token: 'not-checked' }) },
});
const ref = name => ({ kind: 'Component', namespace: 'default', name });

// failure returns what a caller sees of an error.
const failure = promise =>
  promise.then(
    value => ({ value }),
    error => ({ name: error.name, status: error.statusCode, cause: error.cause?.name, message: error.cause?.message }),
  );

async function main() {
  const results = {
    checks: await client.getAllChecks(),
    schemas: await client.getFactSchemas(),
    one: await client.runChecks(ref('payment-service')),
    some: await client.runChecks(ref('payment-service'), ['test-path/owner']),
    all: await client.runBulkChecks([]),
    several: await client.runBulkChecks([ref('payment-service'), ref('nobody')], [{ id: 'test-path/owner' }]),
    facts: await client.getFacts(ref('payment-service'), ['catalog.has_owner', 'ci.p95_minutes']),
    unknownEntity: await failure(client.runChecks(ref('payment-servise'))),
    unknownCheck: await failure(client.runChecks(ref('payment-service'), ['test-path/ovner'])),
    noFacts: await failure(client.getFacts(ref('payment-service'), [])),
  };
  console.log(JSON.stringify(results));
}

main().then(
  () => process.exit(0), // the client keeps timers
  error => {
    console.error(error);
    process.exit(1);
  },
);
