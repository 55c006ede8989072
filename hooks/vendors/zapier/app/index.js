// The app as Zapier's platform loads it: an account, a trigger, and an action.
'use strict';

const { authentication, addKey, readRefusal } = require('./authentication');
const event = require('./triggers/event');
const eventTypes = require('./triggers/event_types');
const lead = require('./creates/lead');

module.exports = {
  version: require('./package.json').version,
  platformVersion: require('zapier-platform-core').version,
  authentication,
  beforeRequest: [addKey],
  afterResponse: [readRefusal],
  triggers: { [event.key]: event, [eventTypes.key]: eventTypes },
  creates: { [lead.key]: lead },
};
