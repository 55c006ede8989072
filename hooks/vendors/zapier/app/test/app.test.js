// The app under the platform's own runner, against a running hooks:
//
//   HOOKS_ADDRESS=http://127.0.0.1:8080/in/zaps HOOKS_KEY=... HOOK_URL=... npm test
//
// HOOK_URL is any address that the source's `hooks.hosts` lets events be told to.
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');

const zapier = require('zapier-platform-core');
const { validateAppDefinition } = require('zapier-platform-schema');

const App = require('../index');

const address = process.env.HOOKS_ADDRESS;
const authData = { address, key: process.env.HOOKS_KEY };
const targetUrl = process.env.HOOK_URL;
const run = zapier.createAppTester(App);
const { triggers, creates } = App;
const live = { skip: address ? false : 'set HOOKS_ADDRESS, HOOKS_KEY and HOOK_URL to a running hooks' };

test('the definition is one that the platform takes', () => {
  const plain = JSON.parse(JSON.stringify(App, (key, value) => (typeof value === 'function' ? { source: 'return 1' } : value)));
  const { errors } = validateAppDefinition(plain);
  assert.deepEqual(errors.map(String), []);
});

test('the account is tested with the key and named after the source', live, async () => {
  const me = await run(App.authentication.test, { authData });
  assert.equal(me.name, address.split('/').pop());
  const slash = await run(App.authentication.test, { authData: { ...authData, address: `${address}/` } });
  assert.equal(slash.name, me.name);
});

test('a wrong key is refused in words', live, async () => {
  const wrong = { authData: { address, key: 'not-the-key-of-this-source' } };
  await assert.rejects(run(App.authentication.test, wrong), /not the one of this source/);
});

test('the choice of events is what the source opens', live, async () => {
  const types = await run(triggers.event_types.operation.perform, { authData });
  assert.ok(types.some((one) => one.id === 'job.completed'));
  assert.ok(types.every((one) => one.id && one.name));
});

test('the editor gets a made-up event in the form of the sample', live, async () => {
  const [sample] = await run(triggers.event.operation.performList, { authData, inputData: { event: 'job.completed' } });
  assert.deepEqual(Object.keys(sample).sort(), Object.keys(triggers.event.operation.sample).sort());
});

test('an event that is not open is refused in words', live, async () => {
  const bundle = { authData, targetUrl, inputData: { event: 'customer.deleted' } };
  await assert.rejects(run(triggers.event.operation.performSubscribe, bundle), /do not open this event/);
});

test('a Zap is switched on and off', live, async () => {
  const bundle = { authData, targetUrl, inputData: { event: 'job.completed' } };
  const subscribeData = await run(triggers.event.operation.performSubscribe, bundle);
  assert.match(subscribeData.id, /^sub_/);
  const gone = await run(triggers.event.operation.performUnsubscribe, { ...bundle, subscribeData });
  assert.equal(gone.deleted, true);
});

test('what hooks tells is handed to the Zap as it is', async () => {
  const told = { id: 'evt_1', type: 'job.completed', data: { customer: { first_name: 'Maya' } } };
  assert.deepEqual(await run(triggers.event.operation.perform, { cleanedRequest: told }), [told]);
});

test('a lead is handed over', live, async () => {
  const inputData = { full_name: 'Maya Ortiz', phone_number: '3035550142', lead_source: 'Zapier app' };
  const made = await run(creates.lead.operation.perform, { authData, inputData });
  assert.match(made.id, /^rcp_/);
  assert.equal(made.duplicate, false);
});

test('the key goes to the source and to nobody else', () => {
  const { addKey } = require('../authentication');
  const bundle = { authData: { address: 'https://hooks.example.com/in/zaps', key: 'k' } };
  const request = (url) => addKey({ url, headers: {} }, null, bundle).headers;
  assert.equal(request('https://hooks.example.com/in/zaps/me')['X-Api-Key'], 'k');
  assert.equal(request('https://hooks.example.com/in/zaps')['X-Api-Key'], 'k');
  assert.deepEqual(request('https://hooks.example.com/in/other/me'), {});
  assert.deepEqual(request('https://hooks.example.com/in/zaps.evil.example'), {});
  assert.deepEqual(request('https://elsewhere.example/in/zaps/me'), {});
});
