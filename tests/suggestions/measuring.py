"""The test set of `Mapping.suggest` and how it is counted: pairs of vendor schemas, the true pairs of their fields, precision and recall.

A pair is right where both fields mean the same. Recall counts target fields that have a counterpart at all: how many of them got a right one.
"""

from __future__ import annotations

from types import SimpleNamespace as Thing

from tests.suggestions import documents as d
from tests.suggestions import elsewhere as e
from tests.suggestions import further as f
from tests.suggestions import people as p
from tests.suggestions.world import World

import integrakit as ik
from integrakit.transform.suggesting import suggest

#: (things of the world, left schema, right schema), each schema a function and the meanings of its fields. These were looked at while building.
DEVELOPED_ON = {
    "Shopify order → QuickBooks invoice": ("orders", (d.shopify_order, d.SHOPIFY_ORDER), (d.quickbooks_invoice, d.QUICKBOOKS_INVOICE)),
    "HubSpot contact → Salesforce contact": ("people", (p.hubspot_contact, p.HUBSPOT_CONTACT), (p.salesforce_contact, p.SALESFORCE_CONTACT)),
    "Stripe invoice → Xero invoice": ("orders", (d.stripe_invoice, d.STRIPE_INVOICE), (d.xero_invoice, d.XERO_INVOICE)),
    "Shopify customer → QuickBooks customer": ("people", (p.shopify_customer, p.SHOPIFY_CUSTOMER), (p.quickbooks_customer, p.QUICKBOOKS_CUSTOMER)),
    "Salesforce opportunity → HubSpot deal": ("deals", (d.salesforce_opportunity, d.SALESFORCE_OPPORTUNITY), (d.hubspot_deal, d.HUBSPOT_DEAL)),
    "Salesforce account → HubSpot company": ("companies", (p.salesforce_account, p.SALESFORCE_ACCOUNT), (p.hubspot_company, p.HUBSPOT_COMPANY)),
    "Shopify order → SAP Business One invoice": ("orders", (d.shopify_order, d.SHOPIFY_ORDER), (d.sap_invoice, d.SAP_INVOICE)),
    "Stripe customer → HubSpot contact": ("people", (p.stripe_customer, p.STRIPE_CUSTOMER), (p.hubspot_contact, p.HUBSPOT_CONTACT)),
    "Xero invoice → QuickBooks invoice": ("orders", (d.xero_invoice, d.XERO_INVOICE), (d.quickbooks_invoice, d.QUICKBOOKS_INVOICE)),
}
#: These were not.
HELD_OUT = {
    "WooCommerce order → NetSuite invoice": ("orders", (e.woo_order, e.WOO_ORDER), (e.netsuite_invoice, e.NETSUITE_INVOICE)),
    "Magento order → Xero invoice": ("orders", (e.magento_order, e.MAGENTO_ORDER), (d.xero_invoice, d.XERO_INVOICE)),
    "Dynamics contact → Zoho contact": ("people", (e.dynamics_contact, e.DYNAMICS_CONTACT), (e.zoho_contact, e.ZOHO_CONTACT)),
    "Pipedrive deal → HubSpot deal": ("deals", (e.pipedrive_deal, e.PIPEDRIVE_DEAL), (d.hubspot_deal, d.HUBSPOT_DEAL)),
    "NetSuite invoice → Stripe invoice": ("orders", (e.netsuite_invoice, e.NETSUITE_INVOICE), (d.stripe_invoice, d.STRIPE_INVOICE)),
}
#: Written after everything else, before it was looked at how they fare.
WRITTEN_LATER = {
    "BigCommerce order → Business Central invoice": ("orders", f.bigcommerce_order, f.businesscentral_invoice),
    "Square order → Lexware invoice": ("orders", f.square_order, f.lexware_invoice),
    "Amazon order → Odoo sale order": ("orders", f.amazon_order, f.odoo_sale_order),
    "PayPal invoice → Sage invoice": ("orders", f.paypal_invoice, f.sage_invoice),
    "Lexware invoice → BigCommerce order": ("orders", f.lexware_invoice, f.bigcommerce_order),
    "Zendesk user → Freshdesk contact": ("people", f.zendesk_user, f.freshdesk_contact),
    "Odoo partner → Pipedrive person": ("people", f.odoo_partner, f.pipedrive_person),
    "Pipedrive person → Mailchimp member": ("people", f.pipedrive_person, f.mailchimp_member),
    "Business Central customer → Pipedrive organization": ("companies", f.businesscentral_customer, f.pipedrive_organization),
    "Zoho deal → Dynamics opportunity": ("deals", f.zoho_deal, f.dynamics_opportunity),
}
EVERYTHING = {**DEVELOPED_ON, **HELD_OUT, **WRITTEN_LATER}
REGIMES = ("overlapping", "nothing in common")
FULL_NAME = {"given", "family"}


def samples(kind: str, left, right, regime: str, seed: int, size: int = 60):
    """The samples of both sides: two overlapping parts of one world in different orders, or two worlds."""
    world = World(seed, 0, size)
    things = getattr(world, kind)
    if regime == "overlapping":
        ours, theirs = things[: size * 3 // 4], things[size // 4 :]
        world.random.shuffle(theirs)
    else:
        ours, theirs = things[: size // 2], getattr(World(seed, 1, size), kind)[: size // 2]
    return [left[0](thing) for thing in ours], [right[0](thing) for thing in theirs]


def is_right(field, left_meanings: dict[str, str], right_meanings: dict[str, str]) -> bool:
    meaning = right_meanings.get(field.target)
    ours = {left_meanings.get(source) for source in field.sources}
    return meaning is not None and (ours == {meaning} or (meaning == "full name" and ours == FULL_NAME))


def measure(pairs, regime: str, seed: int = 1, size: int = 60, **options) -> Thing:
    """``right``, ``proposed``, ``possible`` over all pairs of schemas, and ``wrong`` and ``silent`` by name."""
    total = Thing(right=0, proposed=0, possible=0, wrong=[], silent=[], doubtful=[], by_pair={})
    for name, (kind, left, right) in pairs.items():
        found = suggest(*samples(kind, left, right, regime, seed, size), build=ik.Mapping, **options)
        good = [field for field in found.fields if is_right(field, left[1], right[1])]
        possible = [
            target
            for target, meaning in right[1].items()
            if meaning in set(left[1].values()) or (meaning == "full name" and set(left[1].values()) >= FULL_NAME)
        ]
        total.right += len(good)
        total.proposed += len(found.fields)
        total.possible += len(possible)
        total.wrong += [f"{name}: {field}" for field in found.fields if field not in good]
        total.silent += [f"{name}: {target}" for target in possible if target not in {field.target for field in good}]
        total.doubtful += [f"{name}: {field}" for field in found.doubtful]
        total.by_pair[name] = (len(good), len(found.fields), len(possible))
    total.precision = total.right / max(1, total.proposed)
    total.recall = total.right / total.possible
    return total
