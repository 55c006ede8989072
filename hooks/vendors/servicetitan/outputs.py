"""Deliver: what ServiceTitan answers to the operations that rules use most, as its API descriptions name it.

Others answer, too: what they hold is not written down here, and rules may read anything of it.
"""

from __future__ import annotations

from typing import Final

from hooks.kit.outputs import outputs

OUTPUTS: Final = outputs("""
Address = street:text unit:text city:text state:text zip:text country:text latitude:number longitude:number
Datum = key:text value:text
Value = typeId:int name:text value
Contact = id:int type:text value:text memo:text modifiedOn:time phoneSettings preferences
Booking = id:int active:bool source:text createdOn:time modifiedOn:time name:text address:Address
    customerType:text start:time summary:text campaignId:int businessUnitId:int isFirstTimeClient:bool
    uploadedImages:[text] isSendConfirmationEmail:bool status:text dismissingReasonId:int jobId:int
    externalId:text priority:text jobTypeId:int bookingProviderId:int externalData:[Datum]
Location = id:int customerId:int active:bool name:text address:Address customFields:[Value] createdOn:time
    createdById:int modifiedOn:time mergedToId:int zoneId:int tagTypeIds:[int] externalData:[Datum]
    taxZoneId:int taxExempt:bool
Customer = id:int active:bool name:text type:text address:Address customFields:[Value] balance:number
    taxExempt:bool tagTypeIds:[int] doNotMail:bool doNotService:bool nationalAccount:bool createdOn:time
    createdById:int modifiedOn:time mergedToId:int paymentTermId:int creditLimit:number
    creditLimitBalance:number externalData:[Datum]
CreatedCustomer = +Customer locations:[Location] contacts:[Contact]
UpsertedCustomer = +CreatedCustomer created:bool updated:bool unchanged:bool
Job = id:int jobNumber:text projectId:int customerId:int locationId:int jobStatus:text completedOn:time
    businessUnitId:int jobTypeId:int priority:text campaignId:int appointmentCount:int firstAppointmentId:int
    lastAppointmentId:int recallForId:int warrantyId:int noCharge:bool notificationsEnabled:bool createdOn:time
    createdById:int modifiedOn:time tagTypeIds:[int] customerPo:text invoiceId:int total:number summary:text
    customFields:[Value] externalData:[Datum] jobGeneratedLeadSource leadCallId:int partnerLeadCallId:int
    bookingId:int soldById:int createdFromEstimateId:int estimateIds:[int] membershipId:int active:bool
create_booking_by_provider get_booking_by_provider get_booking_by_tenant update_booking book_lead: Booking
create_customer: CreatedCustomer
get_customer update_customer: Customer
upsert_customer: UpsertedCustomer
create_location get_location: Location
create_job get_job: Job
""")
