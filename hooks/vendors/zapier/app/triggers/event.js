// The trigger: an event. When the Zap is switched on its address is handed to hooks, when it is switched off taken back.
'use strict';

const { source } = require('../authentication');

const subscribe = async (z, bundle) => {
  const response = await z.request({
    method: 'POST',
    url: `${source(bundle)}/hooks`,
    body: { hookUrl: bundle.targetUrl, event: bundle.inputData.event },
  });
  return response.data;
};

const unsubscribe = async (z, bundle) => {
  const response = await z.request({
    method: 'DELETE',
    url: `${source(bundle)}/hooks/${encodeURIComponent(bundle.subscribeData.id)}`,
  });
  return response.data;
};

const told = (z, bundle) => [bundle.cleanedRequest];

// Made-up events in the same form, for the editor.
const samples = async (z, bundle) => {
  const response = await z.request({
    url: `${source(bundle)}/hooks/samples`,
    params: { event: bundle.inputData.event },
  });
  return response.data;
};

module.exports = {
  key: 'event',
  noun: 'Event',
  display: {
    label: 'New Event',
    description: 'Triggers when something happens: a job is completed, an invoice is paid, a lead comes in.',
  },
  operation: {
    type: 'hook',
    inputFields: [
      {
        key: 'event',
        label: 'Event',
        required: true,
        dynamic: 'event_types.id.name',
        helpText: 'Which events there are is set in `hooks:` of the source in routes.yaml.',
      },
    ],
    performSubscribe: subscribe,
    performUnsubscribe: unsubscribe,
    perform: told,
    performList: samples,
    sample: {
      id: 'evt_00000000000070008000000000000001',
      type: 'job.completed',
      source: 'hcp',
      vendor: 'housecall_pro',
      time: '2026-05-06T19:40:00Z',
      received_at: '2026-05-06T19:40:00Z',
      subject: 'job/job_41',
      data: { id: 'job_41', description: 'AC tune-up', total_cents: 18900 },
    },
    outputFields: [
      { key: 'id', label: 'Id of the event' },
      { key: 'type', label: 'Type' },
      { key: 'source', label: 'Source' },
      { key: 'vendor', label: 'Vendor' },
      { key: 'time', label: 'When it happened', type: 'datetime' },
      { key: 'received_at', label: 'When it came in', type: 'datetime' },
      { key: 'subject', label: 'Subject' },
    ],
  },
};
