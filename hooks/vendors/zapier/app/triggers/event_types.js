// The list behind the choice of an event. Hidden: it triggers no Zap.
'use strict';

const { source } = require('../authentication');

const list = async (z, bundle) => (await z.request(`${source(bundle)}/hooks/types`)).data;

module.exports = {
  key: 'event_types',
  noun: 'Event Type',
  display: { label: 'List of Event Types', description: 'Fills the choice of an event.', hidden: true },
  operation: { perform: list, sample: { id: 'job.completed', name: 'A job was completed.' } },
};
