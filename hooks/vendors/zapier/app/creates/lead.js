// The action: hand a lead to hooks, where rules decide what becomes of it.
'use strict';

const { source } = require('../authentication');

const FIELDS = [
  { key: 'full_name', label: 'Name', required: true },
  { key: 'email', label: 'E-mail' },
  { key: 'phone_number', label: 'Phone' },
  { key: 'street', label: 'Street' },
  { key: 'city', label: 'City' },
  { key: 'state', label: 'State' },
  { key: 'postal_code', label: 'ZIP' },
  { key: 'message', label: 'Message', type: 'text' },
  { key: 'lead_source', label: 'Where the lead is from' },
];

const create = async (z, bundle) => {
  const known = FIELDS.map((field) => field.key).filter((key) => bundle.inputData[key]);
  const body = Object.fromEntries(known.map((key) => [key, bundle.inputData[key]]));
  const { data } = await z.request({ method: 'POST', url: source(bundle), body });
  return { id: data.receipt, duplicate: data.duplicate };
};

module.exports = {
  key: 'lead',
  noun: 'Lead',
  display: { label: 'Send Lead', description: 'Hands a lead to hooks.' },
  operation: {
    inputFields: FIELDS,
    perform: create,
    sample: { id: 'rcp_00000000000070008000000000000001', duplicate: false },
    outputFields: [
      { key: 'id', label: 'Id of the receipt' },
      { key: 'duplicate', label: 'Had come before', type: 'boolean' },
    ],
  },
};
