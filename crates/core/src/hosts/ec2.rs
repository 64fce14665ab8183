//! The hosts that AWS names: the JSON that `aws ec2 describe-instances` prints.

use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;

use super::{Found, NewHost, Source};
use crate::error::{Error, Result};

/// Which instances are meant: those with this tag, of this value where one is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagFilter {
    /// The tag's key.
    pub key: String,
    /// Its value; any where absent.
    pub value: Option<String>,
}

impl TagFilter {
    /// Reads `KEY` or `KEY=VALUE`.
    ///
    /// # Errors
    /// [`Code::BadInput`](crate::error::Code::BadInput) where no key is named.
    pub fn parse(text: &str) -> Result<Self> {
        let (key, value) = match text.split_once('=') {
            Some((key, value)) => (key, Some(value.to_owned())),
            None => (text, None),
        };
        if key.is_empty() {
            return Err(
                Error::bad_input("That names no tag.").hint("Write it as KEY or KEY=VALUE.")
            );
        }
        Ok(Self {
            key: key.to_owned(),
            value,
        })
    }
}

impl fmt::Display for TagFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "{}={value}", self.key),
            None => f.write_str(&self.key),
        }
    }
}

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "Reservations")]
    reservations: Vec<Reservation>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[derive(Default)]
struct Reservation {
    owner_id: String,
    instances: Vec<Instance>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Instance {
    instance_id: String,
    state: State,
    public_dns_name: String,
    public_ip_address: Option<String>,
    private_ip_address: Option<String>,
    placement: Placement,
    tags: Vec<Tag>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct State {
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Placement {
    availability_zone: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Tag {
    key: String,
    value: String,
}

/// Reads the instances that run, with the tag where one is asked for. `pattern` is what holds for each:
/// slots, identity, labels and the like; its destination is the user's name there, or empty.
///
/// # Errors
/// [`Code::BadInput`](crate::error::Code::BadInput) where it is not what the AWS command line prints.
pub fn from_ec2(json: &[u8], tag: Option<&TagFilter>, pattern: &NewHost) -> Result<Found> {
    let answer: Answer = serde_json::from_slice(json).map_err(|e| {
        Error::bad_input("That is not what `aws ec2 describe-instances` prints as JSON.")
            .hint("Give the whole answer, in its form as JSON.")
            .because(e)
    })?;
    let mut found = Found {
        source: Source::Ec2,
        hosts: Vec::new(),
        others: Vec::new(),
        tag: tag.map(ToString::to_string),
        refused: Vec::new(),
        scopes: BTreeSet::new(),
    };
    for reservation in &answer.reservations {
        for instance in &reservation.instances {
            let scope = format!("{}/{}/", reservation.owner_id, region(instance));
            let origin = format!("{scope}{}", instance.instance_id);
            found.scopes.insert(scope);
            let address = instance
                .address()
                .filter(|_| instance.state.name == "running");
            match address {
                Some(address) if instance.has(tag) => {
                    found.hosts.push((origin, instance.host(address, pattern)));
                }
                // It runs, and is only not asked for, this time or any more.
                Some(_) => found.others.push(origin),
                None => {}
            }
        }
    }
    Ok(found)
}

/// Returns the region of `us-east-1a`.
fn region(instance: &Instance) -> &str {
    let zone = instance.placement.availability_zone.as_str();
    zone.trim_end_matches(|c: char| c.is_ascii_lowercase())
}

impl Instance {
    fn tag(&self, key: &str) -> Option<&str> {
        let tag = self.tags.iter().find(|tag| tag.key == key)?;
        Some(&tag.value)
    }

    fn has(&self, wanted: Option<&TagFilter>) -> bool {
        wanted.is_none_or(|wanted| match (self.tag(&wanted.key), &wanted.value) {
            (Some(value), Some(wanted)) => value == wanted,
            (found, None) => found.is_some(),
            (None, Some(_)) => false,
        })
    }

    fn address(&self) -> Option<&str> {
        let addresses = [
            self.public_ip_address.as_deref(),
            Some(self.public_dns_name.as_str()),
            self.private_ip_address.as_deref(),
        ];
        addresses
            .into_iter()
            .flatten()
            .find(|address| !address.is_empty())
    }

    fn host(&self, address: &str, pattern: &NewHost) -> NewHost {
        let name = self.tag("Name").filter(|name| !name.trim().is_empty());
        let destination = match pattern.destination.as_str() {
            "" => address.to_owned(),
            user => format!("{user}@{address}"),
        };
        NewHost {
            name: name.unwrap_or(&self.instance_id).to_owned(),
            destination,
            ..pattern.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(id: &str, state: &str, tags: &[(&str, &str)]) -> serde_json::Value {
        let tags: Vec<_> = tags
            .iter()
            .map(|(key, value)| serde_json::json!({ "Key": key, "Value": value }))
            .collect();
        serde_json::json!({
            "InstanceId": id,
            "State": { "Code": 16, "Name": state },
            "PrivateIpAddress": "10.0.0.7",
            "PublicDnsName": "",
            "Placement": { "AvailabilityZone": "eu-central-1a" },
            "Tags": tags,
        })
    }

    #[test]
    fn running_instances_with_the_tag_are_hosts_and_the_others_are_only_known() {
        let json = serde_json::json!({ "Reservations": [{
            "OwnerId": "123456789012",
            "Instances": [
                instance("i-1", "running", &[("Name", "worker one"), ("role", "farm")]),
                instance("i-2", "stopped", &[("role", "farm")]),
                instance("i-3", "running", &[("role", "web")]),
                instance("i-4", "running", &[("role", "farm")]),
            ],
        }]});
        let bytes = serde_json::to_vec(&json).unwrap();
        let pattern = NewHost {
            destination: "ec2-user".to_owned(),
            slots: Some(4),
            ..NewHost::default()
        };
        let tag = TagFilter::parse("role=farm").unwrap();
        let found = from_ec2(&bytes, Some(&tag), &pattern).unwrap();
        let hosts: Vec<_> = found
            .hosts
            .iter()
            .map(|(origin, new)| (origin.as_str(), new.name.as_str(), new.destination.as_str()))
            .collect();
        assert_eq!(
            hosts,
            [
                (
                    "123456789012/eu-central-1/i-1",
                    "worker one",
                    "ec2-user@10.0.0.7"
                ),
                ("123456789012/eu-central-1/i-4", "i-4", "ec2-user@10.0.0.7"),
            ]
        );
        assert_eq!(found.hosts[0].1.slots, Some(4));
        assert_eq!(found.others, ["123456789012/eu-central-1/i-3"]);
        assert_eq!(from_ec2(&bytes, None, &pattern).unwrap().hosts.len(), 3);
        let any = TagFilter::parse("role").unwrap();
        assert_eq!(
            from_ec2(&bytes, Some(&any), &pattern).unwrap().hosts.len(),
            3
        );
    }

    #[test]
    fn what_is_cut_or_something_else_is_refused() {
        for text in ["", "[]", "{\"Reservations\": [", "{}"] {
            assert!(
                from_ec2(text.as_bytes(), None, &NewHost::default()).is_err(),
                "{text}"
            );
        }
    }
}
