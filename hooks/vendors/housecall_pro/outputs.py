"""Deliver: what Housecall Pro answers to the operations that rules use most, as its API description names it.

Others answer, too: what they hold is not written down here, and rules may read anything of it.
"""

from __future__ import annotations

from typing import Final

from hooks.kit.outputs import outputs

OUTPUTS: Final = outputs("""
Address = id:text type:text street:text street_line_2:text city:text state:text zip:text country:text latitude
    longitude
Employee = id:text first_name:text last_name:text email:text mobile_number:text color_hex:text avatar_url:text
    role:text created_at tags:[text] permissions company_name:text company_id:text
Customer = id:text first_name:text last_name:text email:text mobile_number:text home_number:text
    work_number:text company:text notifications_enabled:bool lead_source:text notes:text created_at updated_at
    company_name:text company_id:text tags:[text] addresses:[Address] attachments do_not_service
Upserted = +Customer created:bool updated:bool unchanged:bool
Note = id:text content:text
Visit = id:text start_date start_time:text end_time:text anytime:bool arrival_window_minutes:int
    dispatched_employees_ids:[text]
Job = id:text invoice_number:text description:text customer:Customer address:Address notes:[Note]
    work_status:text work_timestamps:{on_my_way_at started_at completed_at} schedule:{scheduled_start
    scheduled_end arrival_window:int appointments:[Visit]} total_amount:int outstanding_balance:int subtotal:int
    assigned_employees:[Employee] tags:[text] original_estimate_id:text original_estimate_uuids lead_source:text
    job_fields recurrence_number recurrence_rule locked_at created_at updated_at canceled_at deleted_at
    company_name:text company_id:text attachments
Lead = id:text number:int customer:Customer address:Address lead_source:text note:text tags:[text]
    assigned_employee:Employee status:text pipeline_status:text company_name:text company_id:text lost_at
    line_items conversions total_amount:int created_at updated_at
Option = id:text name:text option_number:text total_amount:int approval_status:text message_from_pro:text
    tags:[text] status:text notes:[Note] created_at updated_at
Estimate = id:text estimate_number:text work_status:text lead_source:text customer:Customer address:Address
    created_at updated_at work_timestamps:{on_my_way_at started_at completed_at} schedule:{scheduled_start
    scheduled_end arrival_window:int appointments:[Visit]} assigned_employees:[Employee] options:[Option]
    estimate_fields company_name:text company_id:text
create_customer get_customer update_customer: Customer
upsert_customer: Upserted
create_job get_job update_job: Job
create_lead get_lead: Lead
convert_lead: {job_id:text estimate_id:text}
create_estimate get_estimate: Estimate
""")
